"""Operations on sound: WAV files."""

from penstock.ops.audio import wav as wav
