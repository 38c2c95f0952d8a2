"""Input and output: `tf.io.gfile` of TensorFlow 2."""

from penstock.platform.gfile import GFile as GFile
from penstock.platform.gfile import copy as copy
from penstock.platform.gfile import exists as exists
from penstock.platform.gfile import get_registered_schemes as get_registered_schemes
from penstock.platform.gfile import glob as glob
from penstock.platform.gfile import isdir as isdir
from penstock.platform.gfile import join as join
from penstock.platform.gfile import listdir as listdir
from penstock.platform.gfile import makedirs as makedirs
from penstock.platform.gfile import mkdir as mkdir
from penstock.platform.gfile import remove as remove
from penstock.platform.gfile import rename as rename
from penstock.platform.gfile import rmtree as rmtree
from penstock.platform.gfile import stat as stat
from penstock.platform.gfile import walk as walk
