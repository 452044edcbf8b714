"""Types of Caffe's forks that nets in the wild use."""
