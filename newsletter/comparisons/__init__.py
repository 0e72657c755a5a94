"""What the site published: pages read into comparisons, and the shelf that keeps them."""
