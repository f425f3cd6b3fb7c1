import { type Context, type ContextSummary, type Phrase, PolyscribeError } from '#contracts';
import type { Database } from '../database.js';
import { ContextEntity } from '../entities/index.js';
import { decodePosition, encodePosition } from '../page-cursor.js';
import { storableJson, storableText } from '../storable.js';

/** What a client says of a context. */
export interface ContextContent {
  readonly name: string;
  readonly language?: string;
  readonly terms: readonly Phrase[];
}

export interface ContextPage {
  readonly contexts: readonly ContextSummary[];
  /** undefined on the last page. */
  readonly nextCursor?: string;
}

/** Vocabularies that jobs can name. A job keeps a copy of the one it named. */
export class ContextRepository {
  constructor(private readonly database: Database) {}

  async create(id: string, content: ContextContent): Promise<Context> {
    const rows = await this.database.query<ContextRow>(
      `INSERT INTO contexts (id, name, language, terms, term_count) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
      [id, ...parametersOf(content)],
    );
    return only(rows);
  }

  async find(id: string): Promise<Context | undefined> {
    const [row] = await this.database.query<ContextRow>(`SELECT ${columns} FROM contexts WHERE id = $1`, [id]);
    return row && toContext(row);
  }

  /**
   * One page, newest first. Contexts that come in meanwhile neither shift nor repeat what the next page shows.
   *
   * @param page.cursor `nextCursor` of the page before
   * @throws PolyscribeError `invalid_request` for a cursor that we did not give
   */
  async list(page: { readonly limit: number; readonly cursor?: string }): Promise<ContextPage> {
    const position = page.cursor === undefined ? undefined : decodePosition(page.cursor);
    return this.database.run(async (manager) => {
      const query = manager.createQueryBuilder(ContextEntity, 'context').select(summaryFields);
      if (position) query.where('(context.createdAt, context.id) < (:createdAt, CAST(:id AS uuid))', { ...position });
      // One more than asked for tells whether there is a next page.
      const rows = await query
        .orderBy('context.createdAt', 'DESC')
        .addOrderBy('context.id', 'DESC')
        .limit(page.limit + 1)
        .getMany();
      const shown = rows.slice(0, page.limit);
      const last = shown.at(-1);
      const contexts = shown.map(toSummary);
      return { contexts, ...(last && rows.length > shown.length ? { nextCursor: encodePosition(last) } : {}) };
    });
  }

  /**
   * Puts the content in the place of the one before.
   *
   * @param revision the one that the client knows; undefined takes any
   * @returns undefined when there is no such context
   * @throws PolyscribeError `precondition_failed` when it has another revision
   */
  async replace(id: string, content: ContextContent, revision?: number): Promise<Context | undefined> {
    const [row] = await this.database.query<ContextRow>(
      `UPDATE contexts
       SET name = $2, language = $3, terms = $4, term_count = $5, revision = revision + 1, updated_at = clock_timestamp()
       WHERE id = $1 AND revision = coalesce($6::integer, revision)
       RETURNING ${columns}`,
      [id, ...parametersOf(content), revision ?? null],
    );
    if (row) return toContext(row);
    await this.refuseOther(id, revision);
    return undefined;
  }

  /**
   * @returns false when there is no such context
   * @throws PolyscribeError `precondition_failed` when it has another revision
   */
  async delete(id: string, revision?: number): Promise<boolean> {
    const rows = await this.database.query(
      'DELETE FROM contexts WHERE id = $1 AND revision = coalesce($2::integer, revision) RETURNING id',
      [id, revision ?? null],
    );
    if (rows.length > 0) return true;
    await this.refuseOther(id, revision);
    return false;
  }

  /** Nothing was changed: because it is not there, or because it is another one by now. */
  private async refuseOther(id: string, revision: number | undefined): Promise<void> {
    if (revision === undefined || (await this.find(id)) === undefined) return;
    throw new PolyscribeError(
      'precondition_failed',
      'The context was changed since it was read; read it again and change that.',
    );
  }
}

interface ContextRow {
  readonly id: string;
  readonly name: string;
  readonly language: string | null;
  readonly terms: readonly Phrase[];
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = 'id, name, language, terms, revision, created_at AS "createdAt", updated_at AS "updatedAt"';

const summaryFields = ['id', 'name', 'language', 'termCount', 'revision', 'createdAt', 'updatedAt'].map(
  (field) => `context.${field}`,
);

function parametersOf({ name, language, terms }: ContextContent): unknown[] {
  const stored = language === undefined ? null : storableText(language);
  return [storableText(name), stored, storableJson(terms), terms.length];
}

function only(rows: readonly ContextRow[]): Context {
  const [row] = rows;
  if (!row) throw new PolyscribeError('internal', 'The database gave no row for what it inserted.');
  return toContext(row);
}

function toContext({ language, ...row }: ContextRow): Context {
  return { ...row, ...(language === null ? {} : { language }) };
}

function toSummary(row: ContextEntity): ContextSummary {
  const { id, name, language, termCount, revision, createdAt, updatedAt } = row;
  return { id, name, termCount, revision, createdAt, updatedAt, ...(language === null ? {} : { language }) };
}
