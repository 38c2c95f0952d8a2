"""Operations on strings, which are NumPy object arrays of bytes when a program runs."""

from penstock.ops.string import case as case
from penstock.ops.string import edit_distance as edit_distance
from penstock.ops.string import encoding as encoding
from penstock.ops.string import fingerprints as fingerprints
from penstock.ops.string import hashing as hashing
from penstock.ops.string import join as join
from penstock.ops.string import ngrams as ngrams
from penstock.ops.string import numbers as numbers
from penstock.ops.string import reduce_join as reduce_join
from penstock.ops.string import regex as regex
from penstock.ops.string import splitting as splitting
from penstock.ops.string import substring as substring
from penstock.ops.string import unicode as unicode
