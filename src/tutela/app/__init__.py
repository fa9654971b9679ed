"""Where the parts meet: each process, wired. The only place that knows more than one room's neighbours."""
