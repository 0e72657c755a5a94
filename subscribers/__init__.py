"""The people: who asked, who said yes, who must not be mailed. Knows nothing about mail."""
