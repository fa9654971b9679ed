"""History in; where and when next out, with its score. Pure. One forecast is one file with a card."""
