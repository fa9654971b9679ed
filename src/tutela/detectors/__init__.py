"""What is noticed. One file per detector."""
