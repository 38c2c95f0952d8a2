"""Windows against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.signal import windows as w


@pytest.mark.parametrize(("function", "reference"), [(w.hann_window, np.hanning), (w.hamming_window, np.hamming)])
def test_raised_cosines(function, reference):
    np.testing.assert_allclose(function(8, periodic=False).numpy(), reference(8), atol=1e-6)
    np.testing.assert_allclose(function(8).numpy(), reference(9)[:8], atol=1e-6)
    assert function(1).numpy().tolist() == [1]


def test_kaiser_windows():
    np.testing.assert_allclose(w.kaiser_window(7, 5.0, np.float64).numpy(), np.kaiser(7, 5.0), rtol=1e-6)
    derived = w.kaiser_bessel_derived_window(8, 4.0, np.float64).numpy()
    np.testing.assert_allclose(derived[:4] ** 2 + derived[3::-1] ** 2, 1, rtol=1e-6)


def test_vorbis_window_keeps_power():
    window = w.vorbis_window(8, np.float64).numpy()
    np.testing.assert_allclose(window[:4] ** 2 + window[4:] ** 2, 1, rtol=1e-6)


def test_integers_are_refused():
    with pytest.raises(ValueError, match="floating"):
        w.hann_window(8, dtype=np.int32)
