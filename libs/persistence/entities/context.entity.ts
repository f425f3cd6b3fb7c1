import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Phrase } from '#contracts';

/** A vocabulary that jobs can name. */
@Entity('contexts')
@Index('ix_contexts_created', ['createdAt', 'id'])
@Check('ck_contexts_terms', 'term_count >= 0')
export class ContextEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_contexts' })
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { nullable: true })
  language!: string | null;

  @Column('jsonb')
  terms!: Phrase[];

  /** Kept beside the terms, so that lists need not read them. */
  @Column('integer', { name: 'term_count' })
  termCount!: number;

  @Column('integer', { default: 1 })
  revision!: number;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
