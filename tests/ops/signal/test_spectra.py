"""Short-time spectra, cosine transforms and the mel scale."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.ops.signal import spectra as s
from penstock.ops.signal.windows import hann_window
from penstock.testing.op_case import normal

X = normal(2, 64)


def test_short_time_transforms_undo_each_other():
    transformed = s.stft(X, 16, 4)
    assert transformed.shape.as_list() == [2, 13, 9]
    np.testing.assert_allclose(transformed.numpy()[:, 3], np.fft.rfft(X[:, 12:28] * hann_window(16).numpy()), atol=1e-5)
    back = s.inverse_stft(transformed, 16, 4, window_fn=s.inverse_stft_window_fn(4)).numpy()
    np.testing.assert_allclose(back[:, 16:-16], X[:, 16:-16], atol=1e-5)
    assert s.stft(X, 10, 5).shape.as_list()[-1] == 9


@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_cosine_transforms_undo_each_other(type, norm):
    if type == 1 and norm:
        with pytest.raises(ValueError, match="Type-I"):
            s.dct(X, type, norm=norm)
        return
    scale = 1 if norm else 2 * 63 if type == 1 else 2 * 64
    np.testing.assert_allclose(s.idct(s.dct(X, type, norm=norm), type, norm=norm).numpy() / scale, X, atol=1e-9)


def test_cosine_transform_by_its_formula():
    n = np.arange(64)
    expected = [2 * (X * np.cos(np.pi * k * (2 * n + 1) / 128)).sum(-1) for k in range(64)]
    np.testing.assert_allclose(s.dct(X).numpy(), np.stack(expected, -1), atol=1e-9)
    np.testing.assert_allclose(s.dct(X, n=8).numpy(), s.dct(X[:, :8]).numpy(), atol=1e-9)
    np.testing.assert_allclose(s.dct(X, n=70).numpy(), s.dct(np.pad(X, [(0, 0), (0, 6)])).numpy(), atol=1e-9)


@pytest.mark.parametrize("norm", [None, "ortho"])
def test_modified_cosine_transforms_undo_each_other(norm):
    back = s.inverse_mdct(s.mdct(X, 16, norm=norm), norm=norm).numpy()
    np.testing.assert_allclose(back[:, 8:-8], X[:, 8:-8], atol=1e-5)


def test_mel_triangles():
    weights = s.linear_to_mel_weight_matrix(10, 65, 8000).numpy()
    assert weights.shape == (65, 10)
    assert weights[0].max() == 0 and weights.min() == 0 and weights.max() <= 1
    assert (np.diff(weights.argmax(0)) > 0).all()
    mel = normal(3, 10)
    np.testing.assert_allclose(s.mfccs_from_log_mel_spectrograms(mel).numpy(), s.dct(mel).numpy() / np.sqrt(20))


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="Nyquist"):
        s.linear_to_mel_weight_matrix(sample_rate=4000)
    with pytest.raises(ValueError, match="multiple of 4"):
        s.mdct(X, 10)
    with pytest.raises(ValueError, match="normalization"):
        s.dct(X, norm="max")


def test_the_inverse_may_have_another_length():
    np.testing.assert_allclose(s.idct(X, n=3).numpy(), s.dct(X, 3, n=3).numpy())
