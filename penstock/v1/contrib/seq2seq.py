"""`tf.contrib.seq2seq` of TensorFlow 1."""

from penstock.contrib.missing import missing as _missing
from penstock.ops.nn.gather_tree import gather_tree as gather_tree
from penstock.seq2seq.attention import AttentionMechanism as AttentionMechanism
from penstock.seq2seq.attention import BahdanauAttention as BahdanauAttention
from penstock.seq2seq.attention import BahdanauMonotonicAttention as BahdanauMonotonicAttention
from penstock.seq2seq.attention import LuongAttention as LuongAttention
from penstock.seq2seq.attention import LuongMonotonicAttention as LuongMonotonicAttention
from penstock.seq2seq.attention import hardmax as hardmax
from penstock.seq2seq.attention import monotonic_attention as monotonic_attention
from penstock.seq2seq.attention import safe_cumprod as safe_cumprod
from penstock.seq2seq.attention_wrapper import AttentionWrapper as AttentionWrapper
from penstock.seq2seq.attention_wrapper import AttentionWrapperState as AttentionWrapperState
from penstock.seq2seq.basic_decoder import BasicDecoder as BasicDecoder
from penstock.seq2seq.basic_decoder import BasicDecoderOutput as BasicDecoderOutput
from penstock.seq2seq.beam_search import BeamSearchDecoder as BeamSearchDecoder
from penstock.seq2seq.beam_search import BeamSearchDecoderOutput as BeamSearchDecoderOutput
from penstock.seq2seq.beam_search import BeamSearchDecoderState as BeamSearchDecoderState
from penstock.seq2seq.beam_search import FinalBeamSearchDecoderOutput as FinalBeamSearchDecoderOutput
from penstock.seq2seq.beam_search import tile_batch as tile_batch
from penstock.seq2seq.decoder import Decoder as Decoder
from penstock.seq2seq.decoder import dynamic_decode as dynamic_decode
from penstock.seq2seq.helpers import CustomHelper as CustomHelper
from penstock.seq2seq.helpers import GreedyEmbeddingHelper as GreedyEmbeddingHelper
from penstock.seq2seq.helpers import Helper as Helper
from penstock.seq2seq.helpers import InferenceHelper as InferenceHelper
from penstock.seq2seq.helpers import SampleEmbeddingHelper as SampleEmbeddingHelper
from penstock.seq2seq.helpers import ScheduledEmbeddingTrainingHelper as ScheduledEmbeddingTrainingHelper
from penstock.seq2seq.helpers import ScheduledOutputTrainingHelper as ScheduledOutputTrainingHelper
from penstock.seq2seq.helpers import TrainingHelper as TrainingHelper
from penstock.seq2seq.loss import sequence_loss as sequence_loss

__getattr__ = _missing(__name__)
