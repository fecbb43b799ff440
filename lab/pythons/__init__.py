"""`make pythons`: the tests that need no cluster, on the oldest Python that is supported and on that of the image."""
