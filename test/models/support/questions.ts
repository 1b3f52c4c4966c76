/** Questions put in other words than the passage that answers each; many passages share a subject with another. */
export const questions: readonly { question: string; passage: string }[] = [
  {
    question: "Within how many days may I return something I bought?",
    passage:
      "Returns are accepted for 30 days after purchase, provided the item is unused and in its original packaging. Refunds go to the original payment method within five working days.",
  },
  {
    question: "Who pays the postage when an exchange is needed?",
    passage:
      "If an item arrives damaged, we exchange it and bear the cost of shipping both ways. For an exchange of size or colour, the customer pays for postage.",
  },
  {
    question: "What happens to my parcel if nobody is at home?",
    passage:
      "When nobody can receive a delivery, the courier leaves a card and takes the parcel to the nearest pick-up point, where it waits for seven days before it goes back to the sender.",
  },
  {
    question: "how do i reset a forgotten password",
    passage:
      "Choose “Forgot your password?” on the sign-in page and enter your address. A link that resets it arrives by mail and stays valid for one hour.",
  },
  {
    question: "Can I be signed in on several devices at once?",
    passage:
      "An account may be used on any number of devices. The list under Security shows each session with its browser and place, and lets you sign out of one or of all the others.",
  },
  {
    question: "Which payment methods do you take besides credit cards?",
    passage:
      "We accept Visa, Mastercard and American Express, as well as PayPal, Apple Pay and bank transfer. Paying by invoice is open to companies with an annual turnover above 50,000 euros.",
  },
  {
    question: "How can I get an invoice with my company's VAT number?",
    passage:
      "Enter the VAT identification number under Billing before you order. Every invoice issued afterwards carries it, and invoices of the past can be issued anew on request.",
  },
  {
    question: "Why was my subscription charged twice?",
    passage:
      "A second charge that appears right after upgrading is an authorisation and disappears within days. Two charges that both settle mean two subscriptions; cancel one and write to support for a refund.",
  },
  {
    question: "What does photosynthesis need besides light?",
    passage:
      "Green plants turn carbon dioxide and water into glucose and oxygen. The energy for photosynthesis comes from sunlight, which chlorophyll in the leaves absorbs.",
  },
  {
    question: "Where in a cell is energy released from sugar?",
    passage:
      "Mitochondria are the power plants of the cell: in them glucose is oxidised step by step, and the energy set free is stored in molecules of ATP.",
  },
  {
    question: "What makes the tides rise and fall?",
    passage:
      "Twice a day the sea rises and falls along most coasts. The pull of the moon, and to a lesser degree that of the sun, raises bulges of water through which the earth turns.",
  },
  {
    question: "Why is there a summer and a winter?",
    passage:
      "The earth's axis is tilted by 23.4 degrees against its orbit. In summer a hemisphere leans towards the sun, so that days are longer and light falls more steeply; in winter it leans away.",
  },
  {
    question: "How fast does sound travel in water compared with air?",
    passage:
      "In air at 20 °C sound moves at 343 metres per second. In water it travels more than four times as fast, about 1,480 metres per second, and in steel at nearly 6,000.",
  },
  {
    question: "Who invented printing with movable letters in Europe?",
    passage:
      "Around 1450 Johannes Gutenberg of Mainz cast movable metal type and printed the Bible with it. Within fifty years presses were at work in more than two hundred European towns.",
  },
  {
    question: "When did the Berlin wall come down?",
    passage:
      "On 9 November 1989 the borders of East Germany were opened, and Berliners began to tear down the wall that had divided their city since August 1961.",
  },
  {
    question: "what caused the great fire of London",
    passage:
      "The fire that destroyed most of medieval London in September 1666 broke out in a bakery in Pudding Lane. Dry timber houses and a strong east wind made it spread for four days.",
  },
  {
    question: "How long should I let bread dough rise?",
    passage:
      "Cover the kneaded dough and leave it in a warm place until it has doubled in volume, which takes about ninety minutes; in a refrigerator it may rise overnight.",
  },
  {
    question: "How do I keep pasta from sticking together?",
    passage:
      "Cook pasta in plenty of boiling salted water and stir in the first two minutes, when the starch on its surface would make the pieces stick. Oil in the water does not help.",
  },
  {
    question: "At which temperature is chicken safe to eat?",
    passage:
      "Poultry must be heated through: a chicken is done when a thermometer in the thickest part of the thigh reads 74 degrees Celsius and the juices run clear.",
  },
  {
    question: "How often should tomato plants be watered?",
    passage:
      "Tomatoes like deep watering two or three times a week rather than a little every day. Water the soil and not the leaves, since wet foliage invites blight.",
  },
  {
    question: "When is the best time for pruning apple trees?",
    passage:
      "Prune an apple tree in late winter while it is dormant, before the buds swell. Remove dead and crossing branches first and keep the crown open to light.",
  },
  {
    question: "How much sleep does an adult need?",
    passage:
      "Most adults sleep well with seven to nine hours a night, teenagers need eight to ten. Sleeping less than six hours for weeks impairs memory as much as a night without any.",
  },
  {
    question: "What can be done against hiccups?",
    passage:
      "Hiccups are spasms of the diaphragm. Holding one's breath, sipping cold water or breathing into a paper bag often ends them; if they last for two days, see a doctor.",
  },
  {
    question: "How do I undo the last commit but keep my changes?",
    passage:
      "git reset --soft HEAD~1 takes back the latest commit and leaves its changes staged. With --hard the changes are thrown away too, so make sure that nothing is lost.",
  },
  {
    question: "What is the difference between a process and a thread?",
    passage:
      "Threads of one process share its memory and open files, whereas processes are isolated from each other by the operating system and talk through pipes, sockets or shared segments.",
  },
  {
    question: "Why does my database query not use the index?",
    passage:
      "The planner ignores an index when the table is small, when most rows match, or when the column is wrapped in a function. Run EXPLAIN ANALYZE to see the plan, and ANALYZE to refresh statistics.",
  },
  {
    question: "How can two transactions end in a deadlock?",
    passage:
      "A deadlock arises when each of two transactions holds a lock that the other is waiting for. The database notices after a second and aborts one; taking locks in one order avoids it.",
  },
  {
    question: "How do bees tell each other where flowers are?",
    passage:
      "A honeybee that has found blossoms dances on the comb. The angle of its waggle run shows the direction relative to the sun, and its length the distance to the food.",
  },
  {
    question: "Do cats really always land on their feet?",
    passage:
      "A falling cat rights itself within half a metre by twisting front and rear halves of its body against each other, and usually lands on all four paws. From a great height it may still be hurt.",
  },
  {
    question: "How high is the mountain Kilimanjaro and where does it stand?",
    passage:
      "Kilimanjaro in Tanzania is, at 5,895 metres, the highest mountain of Africa. It is a dormant volcano with three cones, and its glaciers have lost most of their ice since 1912.",
  },
  {
    question: "Which river is the longest of all?",
    passage:
      "The Nile runs for some 6,650 kilometres from the lakes of East Africa to the Mediterranean and is usually counted as the longest river on earth, a little ahead of the Amazon.",
  },
  {
    question: "Wie lange darf ich eine Wohnung kündigen, bevor ich ausziehe?",
    passage:
      "Die Kündigungsfrist für Mieter beträgt drei Monate zum Monatsende. Die Kündigung der Wohnung muss schriftlich und bis zum dritten Werktag eines Monats beim Vermieter sein.",
  },
  {
    question: "Combien de temps faut-il cuire un œuf dur ?",
    passage:
      "Pour des œufs durs, comptez neuf à dix minutes de cuisson à partir de l'ébullition, puis plongez-les dans l'eau froide afin d'arrêter la cuisson et de les écaler facilement.",
  },
  {
    question: "日本で一番高い山はどこですか",
    passage:
      "富士山は標高3,776メートルで、日本で最も高い山である。静岡県と山梨県にまたがり、最後に噴火したのは1707年の宝永大噴火である。",
  },
];
