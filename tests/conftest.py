"""What all tests share."""

from hypothesis import settings

# The first call of a compiled kernel takes a second; a deadline would make that a failure.
settings.register_profile("caffe_nb", deadline=None)
settings.load_profile("caffe_nb")
