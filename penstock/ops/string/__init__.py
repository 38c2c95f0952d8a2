"""Operations on strings."""

from penstock.ops.string import join as join
