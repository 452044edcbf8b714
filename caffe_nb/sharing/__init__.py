"""What leaves the notebook: blobs as pictures with exact figures, and a net as one HTML file."""
