"""What every page uses: caches, links, progress, errors as sentences, figures with their exports."""
