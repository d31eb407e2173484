"""See what an initialisation does to signals and gradients, and calibrate it on data."""

from ._jacobian import Spectrum as Spectrum, jacobian_spectrum as jacobian_spectrum
from ._plot import plot_reports as plot_reports
from ._probe import probe as probe
from ._report import Report as Report
from ._signal import LayerSignal as LayerSignal
