/** A document of a set, as one row of a dataset. */
export type SetDocument = { name: string; text: string };

/** A part of a document, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

/** A document that answers a question, and the parts of it that do. One of the parts is enough. */
export type Target = { document: string; spans: readonly Span[] };

/**
 * A question of a set. Without targets, its answer is not in the set. `held_out` names a document that answers it and that is left out
 * of the set for this reason.
 */
export type SetQuestion = { id: string; question: string; targets: readonly Target[]; held_out?: string };

/** What a set holds. Its questions are in the order of the set. */
export type SetContent = { documents: readonly SetDocument[]; questions: readonly SetQuestion[] };

/** A public set of documents and questions, which is read from a checkout of its repository at a commit. */
export type PublicSet = {
  name: string;
  language: "en" | "de" | "ja";
  /** The owner and the name of the repository on GitHub. */
  repository: string;
  commit: string;
  license: string;
  /** The files that are read, relative to the checkout. */
  files: readonly string[];
  read(folder: string): Promise<SetContent>;
};
