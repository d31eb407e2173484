"""What an initialisation does to signals and gradients, beside `probe` and `calibrate`.

Those two are at the top: `eqinit.probe`, `eqinit.calibrate`.
"""

from ._calibration.calibration import (
    CalibratedLayer as CalibratedLayer,
    Calibration as Calibration,
    SkippedLayer as SkippedLayer,
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
from ._forecast.forecast import forecast as forecast
from ._forecast.layer_forecast import LayerForecast as LayerForecast
from ._forecast.report import Forecast as Forecast
from ._jacobian import (
    JacobianSpectrum as JacobianSpectrum,
    jacobian_spectrum as jacobian_spectrum,
)
from ._probe.layer_signal import LayerSignal as LayerSignal
from ._probe.plot import plot_reports as plot_reports
from ._probe.report import Report as Report
