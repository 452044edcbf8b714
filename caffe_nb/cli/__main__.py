"""`python -m caffe_nb.cli` is the command `caffe`."""

import sys

from caffe_nb.cli.main import main

sys.exit(main())
