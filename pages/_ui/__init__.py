"""Parts that all pages share: layout, links, progress, tables, downloads, uploads."""
