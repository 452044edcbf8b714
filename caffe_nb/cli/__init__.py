"""The command line `caffe`: training, testing, timing, and what Caffe's tools did."""
