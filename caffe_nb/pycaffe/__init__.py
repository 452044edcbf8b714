"""What pycaffe has around the engine: images, net specifications, classifiers, drawings, under pycaffe's names."""
