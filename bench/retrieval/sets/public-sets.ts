import { readClapnq } from "./clapnq.ts";
import { readCranfield } from "./cranfield.ts";
import { readMedquad } from "./medquad.ts";
import { readOmos } from "./omos.ts";
import { readSquad } from "./squad.ts";
import { readTextFiles } from "./text-files.ts";
import type { PublicSet } from "./types.ts";

const omos = {
  repository: "digitalfabrik/integreat-qa-dataset",
  commit: "6377c1b543048acb93945562f308095451f579c4",
  license: "CC BY 4.0",
  files: ["dataset/dataset.jsonl"],
};

const set = (
  given: Omit<PublicSet, "read">,
  read: (folder: string, files: readonly string[]) => ReturnType<PublicSet["read"]>,
): PublicSet => ({
  ...given,
  read: (folder) => read(folder, given.files),
});

/** The public sets, of which only questions are kept here. */
export const publicSets: readonly PublicSet[] = [
  set(
    {
      name: "clapnq",
      language: "en",
      repository: "primeqa/clapnq",
      commit: "eb26840d130f4dcf4c4c5c12a47d0beffc9cc586",
      license: "Apache-2.0, texts CC BY-SA",
      files: ["annotated_data/dev/clapnq_dev_answerable.jsonl", "annotated_data/dev/clapnq_dev_unanswerable.jsonl"],
    },
    readClapnq,
  ),
  set(
    {
      name: "covid-qa",
      language: "en",
      repository: "deepset-ai/COVID-QA",
      commit: "fb2eb5e249618457e5359806601086c635c8eb8f",
      license: "Apache-2.0, texts of CORD-19",
      files: ["data/question-answering/200423_covidQA.json"],
    },
    readSquad,
  ),
  set(
    {
      name: "cranfield",
      language: "en",
      repository: "peylix/Simple-Information-Retrieval-System",
      commit: "9977f8cba4e1d5b2dfea6cf8982c5a09d5f221f7",
      license: "free for research",
      files: ["comp3009j-corpus-small"],
    },
    readCranfield,
  ),
  set(
    {
      name: "medquad",
      language: "en",
      repository: "abachaa/MedQuAD",
      commit: "577bd37b96c02d1833b2c9eed2de9f96964e96cb",
      license: "CC BY 4.0",
      files: ["5_NIDDK_QA", "7_SeniorHealth_QA", "8_NHLBI_QA_XML", "9_CDC_QA"],
    },
    readMedquad,
  ),
  set(
    {
      name: "handbook",
      language: "en",
      repository: "18F/handbook",
      commit: "1e4955634d0369f17e5bbc0ebbf8f62e2a3dfe4b",
      license: "CC0",
      files: ["pages"],
    },
    readTextFiles,
  ),
  set(
    {
      name: "holmes",
      language: "en",
      repository: "GITenberg/The-Adventures-of-Sherlock-Holmes_1661",
      commit: "7e5dd2703fbf503c004063e96ab7c61262375e5f",
      license: "public domain",
      files: ["1661.txt"],
    },
    readTextFiles,
  ),
  set(
    {
      name: "restic",
      language: "en",
      repository: "restic/restic",
      commit: "a80be1478a4c537f8396e0db2b05120aa78f11e0",
      license: "BSD-2-Clause",
      files: ["doc"],
    },
    readTextFiles,
  ),
  set({ ...omos, name: "omos-en", language: "en" }, (folder, files) => readOmos(folder, files, "en")),
  set({ ...omos, name: "omos-de", language: "de" }, (folder, files) => readOmos(folder, files, "de")),
  set(
    {
      name: "xquad-de",
      language: "de",
      repository: "google-deepmind/xquad",
      commit: "7d30520c717524000f0d9d2f9c10a069acd9d285",
      license: "CC BY-SA 4.0",
      files: ["xquad.de.json"],
    },
    readSquad,
  ),
  set(
    {
      name: "jaquad",
      language: "ja",
      repository: "SkelterLabsInc/JaQuAD",
      commit: "23f5d72cc273c49b35e2d9efe0f51757aa1770bd",
      license: "CC BY-SA 3.0",
      files: ["0000", "0001", "0002", "0003"].map((number) => `data/dev/jaquad_dev_${number}.json`),
    },
    readSquad,
  ),
  set(
    {
      name: "jsquad",
      language: "ja",
      repository: "yahoojapan/JGLUE",
      commit: "6f071c09316baae89c3d083a90985b4b1cb9968c",
      license: "CC BY-SA 4.0",
      files: ["datasets/jsquad-v1.3/valid-v1.3.json"],
    },
    readSquad,
  ),
];
