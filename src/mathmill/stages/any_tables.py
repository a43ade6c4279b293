"""Tables of rows whose columns are not the same in every file: joined where nothing is lost.

Why: shards that others wrote differ. A column is missing in some, all null in one, a number
here and a text there; rows of JSON have a field when they have it. A table that takes the columns
of the first file loses those of the others, and Arrow makes 1.5 an integer without a word.

Columns are the union of all files'. Types that differ are joined where each value stays itself:
nothing and any type, integers and floats, short and large, objects with other fields. A column
that is a text here and a number there has no such type: one line names both files.

Used as: `schema, notes = joint_schema(files)`; `table = Table(path, schema)`;
`table.add(rows)`; `table.close()`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mathmill.errors import InputError, UsageError
from mathmill.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

NAMED = 5  # columns that are told of by name
CURE = "write to a .jsonl file, or mend the column"


def joint_schema(files: Sequence[Path]) -> tuple[pa.Schema | None, list[str]]:
    """Return the columns of all Parquet files among `files`, and what was joined, for people.

    None where no file is Parquet. Reads footers alone. Raises InputError for a file that is no
    Parquet, and for a column whose types cannot be joined, with both files.
    """
    joined: pa.Schema | None = None
    first: dict[str, Path] = {}  # of each column, where it came first
    missing: dict[str, Path] = {}
    others: dict[str, tuple[Path, Any]] = {}
    for file in files:
        if file.suffix != ".parquet":
            continue
        own = footer(file)
        if joined is None:
            joined, first = own, dict.fromkeys(own.names, file)
            continue
        if own.equals(joined):
            continue
        both = set(own.names) & set(joined.names)
        missing |= {name: file for name in [*joined.names, *own.names]
                    if name not in both and name not in missing}
        for name in joined.names:
            if name in both and own.field(name).type != joined.field(name).type:
                others.setdefault(name, (file, own.field(name).type))
        joined = _with(joined, own, first, file)
        first |= {name: file for name in own.names if name not in first}
    if joined is None or not (missing or others):
        return joined, []
    told = [f"{name} is in {first[name]}, not in " + (
        f"{file}" if first[name] != file else f"{files[0]}") for name, file in missing.items()]
    told += [f"{name} is {kind} in {file} and is written as {joined.field(name).type}"
             for name, (file, kind) in others.items()]
    more = f"; and {counted(len(told) - NAMED, 'column')} more" if len(told) > NAMED else ""
    # Nullable, and without what the first file's metadata says of its columns.
    return _nullable(joined).remove_metadata(), [
        "files differ in their columns, joined: " + "; ".join(told[:NAMED]) + more]


def footer(file: Path) -> pa.Schema:
    """Return the columns of a Parquet file.

    Raises InputError where it is none, or has two columns of one name: a row would hold one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(file, f"is not Parquet that can be read ({error})".replace("\n", " "),
                         "check the path and the file") from error
    twice = [name for name, count in Counter(found.names).items() if count > 1]
    if twice:
        raise InputError(file, f"has more than one column {twice[0]}", "rename one of them")
    return found


def _with(joined: pa.Schema, own: pa.Schema, first: Mapping[str, Path], file: Path) -> pa.Schema:
    """Return the union of the columns of files; raises InputError for types that no type holds."""
    import pyarrow as pa

    fields = {field.name: field for field in joined}
    for field in own:
        there = fields.get(field.name)
        kind = field.type if there is None else joint_type(there.type, field.type)
        if kind is None:
            assert there is not None
            raise InputError(file, f"the column {field.name} is {field.type} here and {there.type} "
                             f"in {first[field.name]}", CURE)
        fields[field.name] = pa.field(field.name, kind)
    return pa.schema(list(fields.values()), joined.metadata)


def joint_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return the type that holds what two types hold, or None where there is none."""
    import pyarrow as pa

    if one.equals(other):
        return one
    try:
        return pa.unify_schemas([pa.schema([("x", _plain(kind))]) for kind in (one, other)],
                                promote_options="permissive").field("x").type
    except (pa.ArrowException, TypeError):
        return None


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values that a packed form of them stands for."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.string() if pa.types.is_string_view(kind) else kind


class Table:
    """A Parquet file that is written row by row and whose columns may widen on the way.

    What was written before a column came, or its type changed, stands in a file beside it, and
    is joined with the rest at the end: nobody has to read all rows to know their fields.
    """

    def __init__(self, path: Path, schema: pa.Schema | None, whole: bool = False) -> None:
        """Take the path, to which numbers are put; `schema`: of what is known.

        `whole`: rows hold nothing beyond it.
        """
        self.path, self.whole = path, whole
        self.schema = schema if whole or schema is None else _nullable(schema)
        self._parts: list[Path] = []
        self._writer: Any = None

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows; raises UsageError where they fit no table, with the column."""
        import pyarrow as pa

        names = dict.fromkeys(chain(self.schema.names if self.schema else (),
                                    *([] if self.whole else rows)))
        arrays, fields = [], []
        for name in names:
            known = self.schema.field(name) if self.schema and name in self.schema.names else None
            values = [row.get(name) for row in rows]
            arrays.append(self._array(name, values, known.type if known else None))
            fields.append(known if known and known.type == arrays[-1].type
                          else pa.field(name, arrays[-1].type))
        schema = pa.schema(fields, self.schema.metadata if self.schema else None)
        if self._writer is None or not schema.equals(self.schema):
            self._open(schema)
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    def close(self) -> Path:
        """Finish the file; return where it stands, with all columns in every row.

        Raises UsageError for an earlier value that a column's later type does not hold.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self.add([])
        self._writer.close()
        self._writer = None
        if len(self._parts) == 1:
            return self._parts[0]
        parts, whole = self._parts[:], self._next()
        with pq.ParquetWriter(whole, self.schema, compression="zstd") as writer:
            for part in parts:
                with pq.ParquetFile(part) as file:
                    for group in range(file.num_row_groups):
                        rows = file.read_row_group(group)
                        try:
                            writer.write_table(_widened(rows, self.schema))
                        except pa.ArrowInvalid as error:
                            raise UsageError(f"{self.path.with_suffix('')}: earlier rows fit no "
                                             f"later column ({error}); {CURE}") from error
        return whole

    def clear(self) -> None:
        """Take away what was written."""
        if self._writer is not None:
            with suppress(Exception):  # a disk that is full
                self._writer.close()
            self._writer = None
        for part in self._parts:
            part.unlink(missing_ok=True)

    def _array(self, name: str, values: Sequence[Any], known: pa.DataType | None) -> pa.Array:
        """Return a column in the type that is known, or in one that holds this and the rest."""
        import pyarrow as pa

        try:
            if self.whole and known is not None:
                return pa.array(values, known)
            own = pa.array(values)
            if known is not None and pa.types.is_integer(known) and pa.types.is_integer(own.type):
                with suppress(pa.ArrowInvalid, OverflowError):
                    return pa.array(values, known)
            if known is None or own.type.equals(known):
                return own
            kind = joint_type(known, own.type)
            if kind is None:
                raise UsageError(f"{self.path.with_suffix('')}: the column {name} is {known} in "
                                 f"earlier rows, and {own.type} later ({_shown(values)}); {CURE}")
            return pa.array(values, known if kind.equals(_plain(known)) else kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"{self.path.with_suffix('')}: the column {name} fits no table ("
                             f"{error}); {CURE}".replace("\n", " ")) from error

    def _open(self, schema: pa.Schema) -> None:
        """Begin the file, or begin it anew with more columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is not None:
            self._writer.close()
            self._writer = None
            schema = schema.remove_metadata()  # it may tell of columns as they were
        try:
            self._writer = pq.ParquetWriter(self._next(), schema, compression="zstd")
        except pa.ArrowException as error:
            raise UsageError(f"{self.path.with_suffix('')}: these rows fit no table ({error}); "
                             f"{CURE}".replace("\n", " ")) from error
        self.schema = schema

    def _next(self) -> Path:
        self._parts.append(self.path.with_name(f"{self.path.name}.{len(self._parts)}"))
        return self._parts[-1]


def _nullable(schema: pa.Schema) -> pa.Schema:
    """Return columns that rows may lack."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, field.type) for field in schema], schema.metadata)


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a wider schema."""
    import pyarrow as pa

    return pa.Table.from_arrays([
        table.column(field.name).cast(field.type) if field.name in table.column_names
        else pa.nulls(len(table), field.type) for field in schema], schema=schema)


def _shown(values: Sequence[Any]) -> str:
    """Return the first value that there is, for people."""
    found = next((value for value in values if value is not None), None)
    return f"{found!r}"[:60]
