"""What sends for us. One file each, behind the port in base.py."""
