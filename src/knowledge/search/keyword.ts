import { sql, type SQL } from "drizzle-orm";
import { loadAnalyzer, type QueryTerm } from "../../kit/text/analyzer.ts";
import { bm25, maxPostings, maxTerms, termWeight } from "../ranking.ts";
import { knowledgeChunks, knowledgePostings } from "../tables.ts";

/** The terms of a query; none if it is compared by meaning only. */
export type QueryTerms = readonly QueryTerm[];

/** Analyzes the queries of questions. `semantic` questions have no terms. */
export async function termsFor(questions: readonly { method: string; query: string }[]): Promise<QueryTerms[]> {
  if (questions.every(({ method }) => method === "semantic")) return questions.map(() => []);
  const analyzer = await loadAnalyzer();
  return questions.map(({ method, query }) => (method === "semantic" ? [] : analyzer.queryTerms(query)));
}

export type KeywordQuery = {
  query: string;
  terms: QueryTerms;
  /** The number of passages. */
  pool: number;
  /** Conditions of the chunk `c`; empty for all chunks of the parts. */
  conditions: readonly SQL[];
};

const { k1, b } = bm25;

/** The share of the greatest weight of a term that a passage gets for it. `frequency` and `length` are expressions. */
const saturation = (frequency: SQL, length: SQL) =>
  sql`${frequency} / (${frequency} + ${k1}::float8 * (1 - ${b}::float8 + ${b}::float8 * ${length} / (select mean_length from totals)))`;

/** The inverse document frequency of a term that `count` of the chunks contain (Robertson and Spärck Jones, never negative). */
const rarity = (count: SQL) => sql`ln(1 + ((select chunk_count from totals) - ${count} + 0.5) / (${count} + 0.5))::float8`;

/**
 * The queries of a keyword search. They build on `parts`, and end with `worded`, which has the ID and the rank of the best chunks.
 *
 * The rank is Okapi BM25 (Robertson and Zaragoza, 2009, https://doi.org/10.1561/1500000019), divided by that of a passage which is full of
 * all terms that were found, so that it is between 0 and 1. Chunks of parts without postings are found by `words`. In a base without
 * postings, they have the rank that Postgres gives them; in a mixed one, that of BM25 with the rarity of their terms in the other parts.
 */
export function keywordQueries({ query, terms, pool, conditions }: KeywordQuery): SQL {
  const asked = terms.map((term) => ({
    term: term.text,
    weight: termWeight(term),
    is_word: term.kind === "word",
    languages: term.languages,
  }));
  const matches = conditions.length === 0 ? sql`true` : sql.join([...conditions], sql` and `);
  return sql`
    totals as materialized (
      select coalesce(sum(chunk_count) filter (where is_analyzed), 0)::float8 as chunk_count, coalesce(bool_or(not is_analyzed), false) as has_older,
        greatest(1, coalesce(sum(word_count)::float8 / nullif(sum(chunk_count) filter (where is_analyzed), 0), 1)) as mean_length
      from parts
    ),
    asked as materialized (
      select term, weight, is_word from json_to_recordset(${JSON.stringify(asked)}::json)
        as t(term text, weight float8, is_word boolean, languages text[])
      where t.languages is null or t.languages && array(select unnest(languages) from parts where is_analyzed)
    ),
    blocks as materialized (
      select asked.*, p.part_id, p.chunk_count, p.postings
      from parts cross join asked cross join lateral (
        select * from ${knowledgePostings} p where p.part_id = parts.id and p.term = asked.term offset 0) p
      where parts.is_analyzed
    ),
    compared as materialized (
      select term, weight * ${rarity(sql`chunk_count`)} as weight from (
        select *, row_number() over by_rarity as place, sum(chunk_count) over by_rarity as postings from (
          select term, weight, is_word, sum(chunk_count)::float8 as chunk_count from blocks group by term, weight, is_word) counted
        window by_rarity as (order by is_word desc, chunk_count, term)) placed
      where place <= ${maxTerms} and (place = 1 or postings <= ${maxPostings})
    ),
    analyzed as materialized (
      select part_id, (posting >> 32)::int as position,
        sum(weight * ${saturation(sql`(posting >> 16 & 65535)`, sql`(posting & 65535)`)}) / (select sum(weight) from compared) as rank
      from (select part_id, compared.weight, unnest(postings) as posting from blocks join compared using (term)) postings
      group by part_id, position
    ),
    ${older(query, pool, matches)},
    worded as materialized (
      select id, rank from (
        (select c.id, best.rank
        from (select * from analyzed order by rank desc, part_id, position ${conditions.length === 0 ? sql`limit ${pool}` : sql``}) best
          cross join lateral (
            select c.id from ${knowledgeChunks} c where c.part_id = best.part_id and c.position = best.position and ${matches} offset 0) c
        order by best.rank desc, best.part_id, best.position limit ${pool})
        union all select id, rank from older) worded
      order by rank desc, id limit ${pool}
    )`;
}

/** The queries of the chunks without postings. They do not run where all parts have them. */
function older(query: string, pool: number, matches: SQL): SQL {
  const lexemes = sql`replace(plainto_tsquery('english', ${query})::text, ' & ', ' | ')::tsquery`;
  // 1 divides by the length of the text, 32 scales the rank below 1.
  return sql`
    ranked_older as materialized (
      select c.id, c.words, ts_rank(c.words, ${lexemes}, 1 | 32)::float8 as rank from ${knowledgeChunks} c
      where (select has_older from totals) and c.words @@ ${lexemes} and ${matches}
        and c.part_id = any (array(select id from parts where not is_analyzed))
      order by rank desc, c.id limit ${pool}
    ),
    older as materialized (
      select id, case when (select count(*) from compared) = 0 then rank else (
        select least(1, sum(coalesce(weight, ${rarity(sql`1`)}) * ${saturation(sql`cardinality(positions)`, sql`length`)}) / (select sum(weight) from compared))
        from (select lexeme, positions, sum(cardinality(positions)) over () as length from unnest(words)) w
          left join compared on term = lexeme
        where lexeme in (select lexeme from unnest(to_tsvector('english', ${query})))) end as rank
      from ranked_older
    )`;
}

/** In place of the queries of a keyword search, where there is none. */
export const noneWorded = sql`worded as materialized (select null::bigint as id, null::float8 as rank where false)`;
