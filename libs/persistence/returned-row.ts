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
