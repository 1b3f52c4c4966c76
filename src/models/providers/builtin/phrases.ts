import type { Language } from "../../../kit/text/languages.ts";

/** How the extractive model says that it found no answer, and names the closest passage after it. */
const noAnswer: Partial<Record<Language, string>> = {
  ar: "لم أجد إجابة في قاعدة المعرفة. أقرب مقطع هو",
  cs: "V databázi znalostí jsem nenašel odpověď. Nejbližší úryvek je",
  da: "Jeg fandt intet svar i vidensbasen. Det nærmeste afsnit er",
  de: "In der Wissensbasis habe ich keine Antwort gefunden. Die nächstliegende Stelle ist",
  en: "I found no answer in the knowledge base. The closest passage is",
  es: "No encontré una respuesta en la base de conocimientos. El pasaje más cercano es",
  fr: "Je n'ai pas trouvé de réponse dans la base de connaissances. Le passage le plus proche est",
  it: "Non ho trovato una risposta nella base di conoscenza. Il passaggio più vicino è",
  ja: "ナレッジベースに答えは見つかりませんでした。最も近い箇所は次のとおりです:",
  ko: "지식 베이스에서 답을 찾지 못했습니다. 가장 가까운 구절:",
  nl: "Ik heb geen antwoord gevonden in de kennisbank. De dichtstbijzijnde passage is",
  pl: "Nie znalazłem odpowiedzi w bazie wiedzy. Najbliższy fragment to",
  pt: "Não encontrei uma resposta na base de conhecimento. O trecho mais próximo é",
  ru: "В базе знаний нет ответа. Ближайший фрагмент:",
  sv: "Jag hittade inget svar i kunskapsbasen. Det närmaste stycket är",
  tr: "Bilgi tabanında yanıt bulamadım. En yakın bölüm:",
  uk: "У базі знань немає відповіді. Найближчий фрагмент:",
  zh: "知识库中没有找到答案。最接近的段落是:",
};

/** The words of an abstention in a language, or in English. */
export function noAnswerPhrase(language: Language): string {
  return noAnswer[language] ?? noAnswer.en!;
}
