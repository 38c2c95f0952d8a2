"""`tf.contrib.crf` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.crf.decoding import CrfDecodeBackwardRnnCell as CrfDecodeBackwardRnnCell
from penstock.crf.decoding import CrfDecodeForwardRnnCell as CrfDecodeForwardRnnCell
from penstock.crf.decoding import crf_decode as crf_decode
from penstock.crf.decoding import viterbi_decode as viterbi_decode
from penstock.crf.scores import CrfForwardRnnCell as CrfForwardRnnCell
from penstock.crf.scores import crf_binary_score as crf_binary_score
from penstock.crf.scores import crf_log_likelihood as crf_log_likelihood
from penstock.crf.scores import crf_log_norm as crf_log_norm
from penstock.crf.scores import crf_multitag_sequence_score as crf_multitag_sequence_score
from penstock.crf.scores import crf_sequence_score as crf_sequence_score
from penstock.crf.scores import crf_unary_score as crf_unary_score

__getattr__ = _missing(__name__)
