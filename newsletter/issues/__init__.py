"""One week: what goes in, in which words, and the life-cycle until it is sent."""
