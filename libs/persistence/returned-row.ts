import type { DataSource } from 'typeorm';

/** A row with all columns that its entity knows, by their names in the table. */
export type RowOf = Readonly<Record<string, unknown>>;

/** What a statement of ours returned of a row, as the entity that reading it again would give. */
export function entityOf<Entity extends object>(dataSource: DataSource, entity: new () => Entity, row: RowOf): Entity {
  const made = new entity();
  for (const column of dataSource.getMetadata(entity).columns) {
    column.setEntityValue(made, dataSource.driver.prepareHydratedValue(row[column.databaseName], column));
  }
  return made;
}

/**
 * The columns that the entity knows, for what a prepared statement returns: one that returned all would fail from the
 * moment in which another process, of a later version, adds one.
 *
 * @param row what the statement calls the row; by default it has the name of its table
 */
export function columnsOf(dataSource: DataSource, entity: new () => object, row?: string): string {
  const { tableName, columns } = dataSource.getMetadata(entity);
  return columns.map(({ databaseName }) => `${row ?? tableName}.${databaseName}`).join(', ');
}
