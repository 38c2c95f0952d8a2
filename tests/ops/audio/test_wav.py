"""WAV files: what is encoded is decoded, and other files are refused."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.audio.wav import decode_wav, decode_wav_op, encode_wav, encode_wav_op
from penstock.testing.op_case import OpCase

SOUND = np.array([[0.5, -0.25], [1.0, -1.0], [0.0, 2.0]], np.float32)
HEARD = np.array([[0.5, -0.25], [32767 / 32768, -1.0], [0.0, 32767 / 32768]], np.float32)
WAV = encode_wav(SOUND, 8000).numpy()

CASES = [
    OpCase(encode_wav_op, [SOUND, 8000], reference=np.array(WAV, object), gradient=None),
    OpCase(decode_wav_op, [np.array(WAV, object)], reference=[HEARD, np.int32(8000)], gradient=None),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_op(case):
    case.check()


def test_channels_and_samples_are_cut_and_filled():
    audio, rate = decode_wav(WAV, desired_channels=3, desired_samples=4)
    np.testing.assert_array_equal(audio, np.pad(HEARD[:, [0, 1, 1]], ((0, 1), (0, 0))))
    assert rate.numpy() == 8000
    np.testing.assert_array_equal(decode_wav(WAV, desired_channels=1, desired_samples=1)[0], HEARD[:1, :1])


def test_other_files_are_refused():
    with pytest.raises(InvalidArgumentError, match="Expected RIFF"):
        decode_wav(b"no sound at all")
    with pytest.raises(InvalidArgumentError, match="lacks a format"):
        decode_wav(WAV[:12])
    with pytest.raises(InvalidArgumentError, match="16-bit"):
        decode_wav(WAV[:34] + b"\x08" + WAV[35:])
