"""Reads a generation with libraries that are not ours, pyarrow and pyshp, and prints what they see as JSON."""
import json
import sys
from pathlib import Path

import pyarrow
import shapefile


def table(path):
    read = pyarrow.ipc.open_file(path).read_all()
    plain = [field.name for field in read.schema
             if pyarrow.types.is_integer(field.type) or pyarrow.types.is_decimal(field.type)
             or pyarrow.types.is_large_string(field.type)]
    rows = [[None if value is None else str(value) for value in row.values()]
            for row in read.select(plain).to_pylist()]
    types = {field.name: field.metadata[b"sql_type"].decode() for field in read.schema}
    return {"columns": plain, "rows": rows, "types": types}


def snapshot(path):
    with shapefile.Reader(str(path)) as read:
        turned = 0
        for shape in read.iterShapes():
            if shape.shapeType == shapefile.POLYGON:
                starts = list(shape.parts) + [len(shape.points)]
                outer = shape.points[starts[0]:starts[1]]
                turned += not shapefile.is_cw(outer)
        fields = [field[0] for field in read.fields if field[0] != "DeletionFlag"]
        return {"fields": fields, "records": [record[0] for record in read.iterRecords()],
                "shapes": len(read), "turned": turned, "encoding": read.encoding}


folder = Path(sys.argv[1])
json.dump({
    "tables": {path.stem: table(path) for path in sorted(folder.glob("tables/*.arrow"))},
    "snapshots": {str(path.relative_to(folder / "OUT")): snapshot(path)
                  for path in sorted(folder.glob("OUT/**/*.shp"))},
}, sys.stdout)
