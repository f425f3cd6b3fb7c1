import type { DataSource } from 'typeorm';

/** A row with all columns of its table, by their names there. */
export type RowOf = Readonly<Record<string, unknown>>;

/** What a statement of ours returned by `RETURNING *`, as the entity that reading it again would give. */
export function entityOf<Entity extends object>(dataSource: DataSource, entity: new () => Entity, row: RowOf): Entity {
  const made = new entity();
  for (const column of dataSource.getMetadata(entity).columns) {
    column.setEntityValue(made, dataSource.driver.prepareHydratedValue(row[column.databaseName], column));
  }
  return made;
}

/**
 * The columns that the entity knows, for the RETURNING of a prepared statement: one that returned all would fail from the
 * moment in which another process, of a later version, adds one.
 */
export function columnsOf(dataSource: DataSource, entity: new () => object): string {
  const { tableName, columns } = dataSource.getMetadata(entity);
  return columns.map(({ databaseName }) => `${tableName}.${databaseName}`).join(', ');
}
