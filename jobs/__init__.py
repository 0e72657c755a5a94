"""Time: what runs when, and the weekly job itself."""
