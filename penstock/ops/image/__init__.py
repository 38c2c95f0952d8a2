"""Images: sizes, crops, patches, colors, boxes, files, and measures.

`resizing` and `resize_functions` are the ones to read first; `taps` says how an axis is resampled.
"""

from penstock.ops.image import arranging as arranging
from penstock.ops.image import boxes as boxes
from penstock.ops.image import codecs as codecs
from penstock.ops.image import color as color
from penstock.ops.image import cropping as cropping
from penstock.ops.image import patches as patches
from penstock.ops.image import placing as placing
from penstock.ops.image import quality as quality
from penstock.ops.image import randomized as randomized
from penstock.ops.image import resize_functions as resize_functions
from penstock.ops.image import resizing as resizing
from penstock.ops.image import taps as taps
