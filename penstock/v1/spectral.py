"""Fourier transforms: `tf.spectral` of TensorFlow 1."""

from penstock.ops.signal.fourier import fft as fft
from penstock.ops.signal.fourier import fft2d as fft2d
from penstock.ops.signal.fourier import fft3d as fft3d
from penstock.ops.signal.fourier import ifft as ifft
from penstock.ops.signal.fourier import ifft2d as ifft2d
from penstock.ops.signal.fourier import ifft3d as ifft3d
from penstock.ops.signal.fourier import irfft as irfft
from penstock.ops.signal.fourier import irfft2d as irfft2d
from penstock.ops.signal.fourier import irfft3d as irfft3d
from penstock.ops.signal.fourier import rfft as rfft
from penstock.ops.signal.fourier import rfft2d as rfft2d
from penstock.ops.signal.fourier import rfft3d as rfft3d
from penstock.ops.signal.spectra import dct as dct
from penstock.ops.signal.spectra import idct as idct
