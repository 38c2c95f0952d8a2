"""Strings: `tf.strings` of TensorFlow 2."""

from penstock.ops.debugging.printing import string_format as format
from penstock.ops.ragged.strings import bytes_split as bytes_split
from penstock.ops.ragged.strings import ngrams as ngrams
from penstock.ops.ragged.strings import split as split
from penstock.ops.ragged.strings import unicode_decode as unicode_decode
from penstock.ops.ragged.strings import unicode_decode_with_offsets as unicode_decode_with_offsets
from penstock.ops.ragged.strings import unicode_encode as unicode_encode
from penstock.ops.ragged.strings import unicode_split as unicode_split
from penstock.ops.ragged.strings import unicode_split_with_offsets as unicode_split_with_offsets
from penstock.ops.string.case import string_length as length
from penstock.ops.string.case import string_lower as lower
from penstock.ops.string.case import string_strip as strip
from penstock.ops.string.case import string_upper as upper
from penstock.ops.string.hashing import string_to_hash_bucket as to_hash_bucket
from penstock.ops.string.hashing import string_to_hash_bucket_fast as to_hash_bucket_fast
from penstock.ops.string.hashing import string_to_hash_bucket_strong as to_hash_bucket_strong
from penstock.ops.string.join import string_join as join
from penstock.ops.string.numbers import as_string as as_string
from penstock.ops.string.numbers import string_to_number as to_number
from penstock.ops.string.reduce_join import reduce_join as reduce_join
from penstock.ops.string.reduce_join import unsorted_segment_join as unsorted_segment_join
from penstock.ops.string.regex import regex_full_match as regex_full_match
from penstock.ops.string.regex import regex_replace as regex_replace
from penstock.ops.string.substring import substr as substr
from penstock.ops.string.unicode import unicode_script as unicode_script
from penstock.ops.string.unicode import unicode_transcode as unicode_transcode
