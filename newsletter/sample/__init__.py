"""A week of made-up comparisons and a made-up list, for the demo and the tests."""
