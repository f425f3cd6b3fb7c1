import type { RoleSet } from '../role-set.js';

/** Somebody asks about a life, a work or an opinion, and somebody tells. */
export const interview: RoleSet = {
  roles: ['interviewer', 'interviewee'],
  questionWeight: 1,
  cues: {
    en: [
      [
        {
          what: 'questions about a life or an opinion',
          weight: 2,
          phrases: [
            'tell (me|us) (about|a|more|how|what|something)',
            'what (made|led|inspired|drew|drove|motivated|attracted) you',
            'what (was|is|were|are) (your|it like|the hardest|the biggest|the best)',
            'what (do|did|would|advice would|role did) you',
            '(how|why|when|where) (do|did|would|have|are|were) you',
            '(could|can|would) you (tell|describe|explain|give|talk|walk|share|say)',
            'walk (me|us) through',
            'do you (think|remember|feel|see|ever|believe|have any|consider)',
            'did you (ever|always|have|feel|know)',
            'would you say',
            "what's (your|next|the)",
            'have you ever',
          ],
        },
        {
          what: 'leading of the conversation',
          weight: 2.5,
          phrases: [
            '(welcome|welcome back) to (the|our|my|another)',
            '(thank you|thanks) (so much|very much|) for (joining|coming|being|taking|talking|your time)',
            '(my|our|today our|todays) guest',
            'next question',
            'last question',
            "(let's|let us) (talk|turn|go back|start|move)",
            'let me ask',
            '(you|you have|youve) (mentioned|once said|said earlier|written)',
            'our (listeners|readers|viewers|audience)',
          ],
        },
      ],
      [
        {
          what: 'telling of oneself',
          weight: 2,
          phrases: [
            'i (grew up|was born|started|studied|worked|learned|learnt|realized|realised|remember|decided|joined|moved|led|built|wrote|began|managed|spent|wanted|loved|always|used to|became|quit|left|never)',
            'when i (was|started|first|left|got|came|moved)',
            'in my (last|previous|experience|opinion|career|twenties|first|current|view|free)',
            'my (parents|father|mother|team|first|dream|background|career|family|manager|goal|teacher|grandmother|grandfather|job|brother|sister|wife|husband)',
            "(i've|i have) (always|worked|been|never|learned)",
            'we (built|started|decided|wanted|launched|moved|lived|had)',
            'back then',
            'at the time',
          ],
        },
        {
          what: 'answers',
          weight: 2,
          phrases: [
            "(that's|that is|what) a (very|really|) (good|great|tough|interesting|difficult) question",
            '(thank you|thanks) for having me',
            "(i'd|i would) say",
            'i (think|believe|guess|suppose)',
            'to be honest',
            'for me',
            'for example',
          ],
        },
      ],
    ],
    pt: [
      [
        {
          what: 'questions about a life or an opinion',
          weight: 2,
          phrases: [
            '(conte|conta|fale|fala|diga|explique) (para|pra|me|nos|um pouco|mais|sobre|como)',
            'o que (te|o|a) (levou|inspirou|motivou|fez|atraiu)',
            'o que (você|o senhor|a senhora)',
            '(como|por que|quando|onde) (você|foi|o senhor|a senhora|surgiu)',
            '(qual|quais) (foi|é|são|foram) (o|a|os|as|seu|sua|seus|suas)',
            '(você|o senhor|a senhora) (acha|acredita|lembra|pensa|diria|considera|sente|pode|poderia|já|se)',
            'que conselho',
          ],
        },
        {
          what: 'leading of the conversation',
          weight: 2.5,
          phrases: [
            '(bem vindo|bem vinda|sejam bem vindos)',
            '(obrigado|obrigada) por (vir|aceitar|estar|conversar|participar|ter aceitado|seu tempo)',
            '(nosso|nossa|meu|minha) (convidado|convidada|entrevistado|entrevistada)',
            '(próxima|última) pergunta',
            'vamos (falar|começar|voltar|conversar)',
            '(nossos|nossas) (ouvintes|leitores|espectadores)',
            'você (mencionou|disse|falou|escreveu)',
          ],
        },
      ],
      [
        {
          what: 'telling of oneself',
          weight: 2,
          phrases: [
            '(eu|) (nasci|cresci|comecei|estudei|trabalhei|aprendi|percebi|decidi|entrei|mudei|escrevi|passei|queria|sempre|virei|saí|morei|me formei|me mudei|fui)',
            'quando eu (era|tinha|comecei|cheguei|fui|entrei)',
            '(meu|minha|meus|minhas) (pai|mãe|pais|família|carreira|equipe|primeiro|primeira|sonho|avó|avô|irmão|irmã|professora|professor|trabalho|infância)',
            'na minha (opinião|experiência|vida|carreira|infância|época)',
            'naquela época',
            '(a gente|nós) (começou|queria|decidiu|morava|começamos|decidimos|tinha)',
          ],
        },
        {
          what: 'answers',
          weight: 2,
          phrases: [
            '(boa|ótima|essa é uma boa) pergunta',
            '(obrigado|obrigada) pelo convite',
            '(eu|) (acho|acredito|diria|penso|lembro) (que|de|muito|bem)',
            'para (mim|ser sincero|ser sincera|ser honesto)',
            'por exemplo',
          ],
        },
      ],
    ],
    es: [
      [
        {
          what: 'questions about a life or an opinion',
          weight: 2,
          phrases: [
            '(cuéntenos|cuénteme|cuéntame|cuéntanos|háblenos|háblame|hábleme|dígame|explíquenos|explíqueme)',
            'qué (lo|la|le|te) (llevó|inspiró|motivó|hizo|atrajo|impulsó)',
            'qué (piensa|opina|cree|consejo|significa|recuerda|piensas|opinas|crees|recuerdas|hizo|hiciste)',
            '(cómo|por qué|cuándo|dónde) (empezó|comenzó|fue|decidió|se|surgió|nació|empezaste|decidiste|llegó|llegaste|te|aprendió)',
            '(cuál|cuáles) (fue|es|son|fueron|ha sido|sería)',
            '(usted|) (cree|piensa|recuerda|considera) (que|usted|cuándo|aquel)',
            'usted diría',
            '(puede|podría|puedes|podrías) (contarnos|contarme|explicar|explicarnos|describir|hablarnos|hablarme|decirnos)',
          ],
        },
        {
          what: 'leading of the conversation',
          weight: 2.5,
          phrases: [
            '(bienvenido|bienvenida|bienvenidos)',
            'gracias por (venir|acompañarnos|estar|aceptar|recibirnos|su tiempo|tu tiempo|atendernos)',
            '(nuestro|nuestra|mi) (invitado|invitada|entrevistado|entrevistada)',
            '(siguiente|próxima|última) pregunta',
            'una última pregunta',
            'vamos a (hablar|empezar|comenzar|volver)',
            'hablemos',
            '(nuestros|nuestras) (oyentes|lectores|espectadores)',
            '(usted|) (mencionó|mencionaba|mencionaste)',
          ],
        },
      ],
      [
        {
          what: 'telling of oneself',
          weight: 2,
          phrases: [
            '(yo|) (nací|crecí|empecé|comencé|estudié|trabajé|aprendí|decidí|entré|escribí|pasé|quería|siempre|dejé|viví|conocí|recuerdo|me fui|me di cuenta|me mudé)',
            'cuando (era|tenía|empecé|llegué|yo|entré|me)',
            '(mi|mis) (padre|madre|padres|familia|carrera|equipo|primer|primera|sueño|abuela|abuelo|hermano|hermana|maestra|profesor|trabajo|infancia)',
            'en mi (opinión|experiencia|vida|carrera|infancia|época|caso|casa)',
            'en (aquella época|ese entonces|aquel entonces)',
            '(empezamos|decidimos|queríamos|vivíamos|teníamos)',
          ],
        },
        {
          what: 'answers',
          weight: 2,
          phrases: [
            '(buena|es una buena|qué buena|muy buena) pregunta',
            'gracias por (invitarme|la invitación|tenerme)',
            '(yo|) (creo|pienso|diría|supongo) que',
            'para (mí|ser sincero|ser sincera|ser honesto)',
            'por ejemplo',
            'la verdad es que',
          ],
        },
      ],
    ],
  },
};
