"""See what an initialisation does to signals and gradients; calibrate it on data."""

from ._calibration.calibrate import calibrate as calibrate
from ._calibration.calibration import (
    CalibratedLayer as CalibratedLayer,
    Calibration as Calibration,
)
from ._calibration.methods import (
    LSUV as LSUV,
    AbstractMethod as AbstractMethod,
    ActNorm as ActNorm,
    Change as Change,
    Measurement as Measurement,
    OutputBias as OutputBias,
    ScaleShift as ScaleShift,
    label_bias as label_bias,
)
from ._jacobian import Spectrum as Spectrum, jacobian_spectrum as jacobian_spectrum
from ._probe.layer_signal import LayerSignal as LayerSignal
from ._probe.plot import plot_reports as plot_reports
from ._probe.probe import probe as probe
from ._probe.report import Report as Report
