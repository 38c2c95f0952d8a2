"""Signals: Fourier and cosine transforms, frames, windows and spectra."""

from penstock.ops.signal import fourier as fourier
from penstock.ops.signal import framing as framing
from penstock.ops.signal import spectra as spectra
from penstock.ops.signal import windows as windows
