"""Where traces rest."""
