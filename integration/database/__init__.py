"""Tables, engines, migrations, the bulk writer and SQL kept in files."""
