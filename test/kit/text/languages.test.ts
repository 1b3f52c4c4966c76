import { describe, expect, test } from "vitest";
import { detectLanguage, languageOfWord, type Language } from "../../../src/kit/text/languages.ts";

const sentences: [Language, string][] = [
  ["en", "The notice period is three months before the end of the quarter."],
  ["de", "Die Kündigungsfrist beträgt drei Monate zum Ende des Quartals."],
  ["fr", "Le délai de préavis est de trois mois avant la fin du trimestre."],
  ["es", "El plazo de preaviso es de tres meses antes del final del trimestre."],
  ["it", "Il termine di preavviso è di tre mesi prima della fine del trimestre."],
  ["pt", "O prazo de aviso prévio é de três meses antes do final do trimestre."],
  ["nl", "De opzegtermijn bedraagt drie maanden tot het einde van het kwartaal."],
  ["sv", "Uppsägningstiden är tre månader före kvartalets slut."],
  ["da", "Opsigelsesfristen er tre måneder før udgangen af kvartalet."],
  ["no", "Oppsigelsestiden er tre måneder før utgangen av kvartalet."],
  ["fi", "Irtisanomisaika on kolme kuukautta ennen vuosineljänneksen loppua, ja se ei muutu."],
  ["hu", "A felmondási idő három hónap a negyedév végéig."],
  ["tr", "İhbar süresi çeyreğin sonuna kadar üç aydır ve bu değişmez."],
  ["pl", "Okres wypowiedzenia wynosi trzy miesiące do końca kwartału."],
  ["cs", "Výpovědní doba je tři měsíce do konce čtvrtletí."],
  ["ro", "Termenul de preaviz este de trei luni până la sfârșitul trimestrului."],
  ["id", "Masa pemberitahuan adalah tiga bulan sampai akhir kuartal."],
  ["ru", "Срок уведомления составляет три месяца до конца квартала."],
  ["uk", "Термін повідомлення становить три місяці до кінця кварталу."],
  ["el", "Η περίοδος προειδοποίησης είναι τρεις μήνες."],
  ["ar", "فترة الإشعار هي ثلاثة أشهر قبل نهاية الربع."],
  ["fa", "مهلت اعلام سه ماه پیش از پایان فصل است."],
  ["ja", "解約の予告期間は三か月です。"],
  ["zh", "解约通知期为三个月。"],
  ["ko", "해지 통지 기간은 3개월입니다."],
];

describe("the language of a text", () => {
  test.each(sentences)("%s is detected: %s", (language, sentence) => {
    expect(detectLanguage(sentence)).toBe(language);
  });

  test("a text that does not say keeps the language of the text before", () => {
    expect(detectLanguage("ERR-4031", "fr")).toBe("fr");
    expect(detectLanguage("Widget | 12 | kg", "de")).toBe("de");
    expect(detectLanguage("", "ja")).toBe("ja");
    expect(detectLanguage("4711", undefined)).toBe("und");
    expect(detectLanguage("Kubernetes", undefined)).toBe("en");
  });

  test("a clear text overrules the language of the text before", () => {
    for (const [language, sentence] of sentences.slice(0, 8)) expect(detectLanguage(sentence, "hu"), sentence).toBe(language);
    expect(detectLanguage("解約の予告期間", "en")).toBe("ja");
  });

  test("names of another script do not change the language", () => {
    expect(detectLanguage("Установите Kubernetes и Docker на сервер, затем запустите службу.")).toBe("ru");
    expect(detectLanguage("東京都でKubernetesを使う方法について説明します。")).toBe("ja");
  });
});

describe("the language of a word", () => {
  test("a word of another script has the language of its script", () => {
    expect(languageOfWord("kubernetes", "ru")).toBe("en");
    expect(languageOfWord("kubernetes", "de")).toBe("de");
    expect(languageOfWord("сервер", "de")).toBe("ru");
    expect(languageOfWord("сервер", "uk")).toBe("uk");
    expect(languageOfWord("server", "ja")).toBe("en");
  });
});
