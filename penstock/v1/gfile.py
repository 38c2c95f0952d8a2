"""Files: `tf.gfile` of TensorFlow 1."""

from penstock.platform.gfile import Copy as Copy
from penstock.platform.gfile import DeleteRecursively as DeleteRecursively
from penstock.platform.gfile import Exists as Exists
from penstock.platform.gfile import FastGFile as FastGFile
from penstock.platform.gfile import GFile as GFile
from penstock.platform.gfile import Glob as Glob
from penstock.platform.gfile import IsDirectory as IsDirectory
from penstock.platform.gfile import ListDirectory as ListDirectory
from penstock.platform.gfile import MakeDirs as MakeDirs
from penstock.platform.gfile import MkDir as MkDir
from penstock.platform.gfile import Open as Open
from penstock.platform.gfile import Remove as Remove
from penstock.platform.gfile import Rename as Rename
from penstock.platform.gfile import Stat as Stat
from penstock.platform.gfile import Walk as Walk
