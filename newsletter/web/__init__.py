"""What the world can reach over HTTP."""
