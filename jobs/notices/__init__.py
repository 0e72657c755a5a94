"""Looking at everything, and saying what people have to be told: facts, and rules over them."""
