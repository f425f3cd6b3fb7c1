import type { RoleSet } from '../role-set.js';

/** A call to a company: who answers for it, and who wants something of it. */
export const support: RoleSet = {
  roles: ['agent', 'customer'],
  questionWeight: 0.4,
  cues: {
    en: [
      [
        {
          what: 'opening and closing of the call',
          weight: 3,
          phrases: [
            '(thank you|thanks) for (calling|contacting|holding|your patience|reaching out)',
            'how (can|may) i (help|assist)',
            'is there anything else',
            'anything else i can',
            'you(re|) (speaking|through) (with|to)',
          ],
        },
        {
          what: 'verification',
          weight: 2,
          phrases: [
            '(can|could|may) i (have|get|take|ask for|ask) your',
            '(can|could|would) you (please|) (confirm|verify|spell|give me your|tell me your)',
            '(what is|can i get) (your|the) (account|order|phone|customer|reference|postcode|email|zip)',
            'for security',
            'date of birth',
          ],
        },
        {
          what: 'work on the case',
          weight: 2,
          phrases: [
            'let me (check|look|pull|see|transfer|put you|find)',
            'i (can see|see) (here|that|your|the)',
            '(one|just a) moment',
            'please hold',
            'bear with me',
            "(i'll|i will|i can|i've|i have|i'm going to) (send|sent|refund|refunded|transfer|arrange|process|processed|issue|issued|create|created|open|opened|escalate|replace|book|go ahead|offer|reset|schedule|scheduled)",
            'you (will|should) receive',
            "you'll (receive|get|see)",
            'business days',
            'our (system|records|policy|team|warehouse|side|technician|engineers)',
            'we can (offer|send|refund|replace|arrange)',
          ],
        },
        {
          what: 'apologies for the company',
          weight: 1.5,
          phrases: [
            'i (do|) apologi(ze|se)',
            "(i'm|i am) (so|very|really|) sorry (to hear|about|for)",
            'i understand (your|how|the)',
            'inconvenience',
          ],
        },
      ],
      [
        {
          what: 'a wish or a fault',
          weight: 2,
          phrases: [
            "(i'm|i am) calling (about|because|to)",
            'i (ordered|bought|received|paid|called|cancelled|canceled|signed up|returned)',
            'i (was|got|have been|am being) charged',
            "(i want|i need|i'd like|i would like) (a refund|my money|to cancel|to return|to speak|to know|a new|to change|it)",
            "my (order|account|internet|bill|package|phone|card|password|subscription|invoice|router|parcel|delivery|connection|line|washing machine|laptop) (has|hasn't|is|isn't|was|won't|doesn't|keeps|never|stopped|still|arrived|came|says|went)",
            "(it|that|this|which) (doesn't|does not|isn't|won't|stopped|never|still doesn't|keeps) (work|working|turn|start|arrive|arrived|connect|load|charge|disconnecting|dropping|saying)",
            "i (can't|cannot|couldn't) (log|access|connect|get|find|use|sign|pay|see)",
            '(not|stopped) working',
            'never arrived',
            '(has|have) not (arrived|come|worked)',
            'can you (send|refund|replace|cancel|change|help)',
            'still waiting',
            'my (account|order|customer|phone|reference|email|name) (number|) (is|address is)',
          ],
        },
        {
          what: 'impatience',
          weight: 2,
          phrases: [
            'this is (ridiculous|unacceptable|the second|the third|not acceptable)',
            'speak to (a|your|the) (manager|supervisor)',
            "(i've|i have) been (waiting|charged|trying|on hold|a customer|told|without)",
            'when will (it|my|i|the|you)',
            'how long will (it|this)',
            'why (was|is|did|am|have) (i|my|it|you)',
            'nobody',
            "i don't understand why",
            'as i said',
          ],
        },
      ],
    ],
    pt: [
      [
        {
          what: 'opening and closing of the call',
          weight: 3,
          phrases: [
            '(em que|como) posso (ajudar|ajudá lo|ajudá la|te ajudar|lhe ajudar)',
            '(obrigado|obrigada|agradecemos|agradeço) (por ligar|pelo contato|por aguardar|a ligação|o contato|por entrar)',
            '(posso ajudar|ajudo) (em|com) (mais|algo)',
            'mais alguma coisa',
          ],
        },
        {
          what: 'verification',
          weight: 2,
          phrases: [
            '(pode|poderia) (me|) (confirmar|informar|passar|dizer) (o|a|seu|sua|por)',
            '(qual é|qual|me informe) (o|a|) (seu|sua) (nome|cpf|telefone|endereço|e mail|número)',
            'número do (pedido|protocolo)',
            'data de nascimento',
            'por segurança',
          ],
        },
        {
          what: 'work on the case',
          weight: 2,
          phrases: [
            '(vou|deixe me|deixa eu|irei) (verificar|consultar|transferir|checar|abrir|enviar|encaminhar|solicitar|registrar|processar|agendar)',
            '(só um|um) (momento|instante|minuto)',
            'aguarde',
            '(estou vendo|vejo|verifiquei) (aqui|que)',
            'dias úteis',
            '(nosso|nossa) (sistema|equipe|política|técnico|estoque)',
            '(você|o senhor|a senhora) (vai|irá) receber',
            'podemos (oferecer|enviar|trocar|reembolsar|agendar)',
          ],
        },
        {
          what: 'apologies for the company',
          weight: 1.5,
          phrases: [
            '(peço|pedimos) desculpas',
            '(sinto|lamento) muito',
            'entendo (sua|a sua|o seu|perfeitamente)',
            'transtorno',
          ],
        },
      ],
      [
        {
          what: 'a wish or a fault',
          weight: 2,
          phrases: [
            '(estou|tô) ligando (porque|para|pra|por)',
            '(eu|) (comprei|pedi|paguei|liguei|cancelei|recebi|devolvi|contratei)',
            '(fui|estou sendo) cobrad(o|a)',
            '(eu|) (quero|preciso|gostaria) (de|) (cancelar|trocar|devolver|reembolso|um reembolso|meu dinheiro|falar|saber|o meu|uma solução|reclamar)',
            '(meu|minha) (pedido|internet|conta|fatura|cartão|encomenda|senha|celular|produto|linha|assinatura|geladeira|televisão) (não|está|ainda|veio|chegou|parou|caiu|foi)',
            'não (funciona|está funcionando|chegou|liga|carrega|recebi|consigo|conecta)',
            'parou de funcionar',
            'meu (nome|cpf|telefone|e mail|número|pedido) é',
          ],
        },
        {
          what: 'impatience',
          weight: 2,
          phrases: [
            '(isso|isto) é (um absurdo|inaceitável|ridículo)',
            '(já|) (liguei|falei|esperei) (três|duas|várias|muito)',
            'falar com (o|a|um|seu) (gerente|supervisor|supervisora)',
            '(estou|tô) (esperando|aguardando|há)',
            'quando (vai|vou|chega)',
            'por que (fui|meu|minha|eu|vocês)',
            'ninguém (resolve|me|responde|atende)',
          ],
        },
      ],
    ],
    es: [
      [
        {
          what: 'opening and closing of the call',
          weight: 3,
          phrases: [
            '(en qué|cómo) (puedo|le puedo|te puedo) (ayudar|ayudarle|ayudarlo|ayudarla|ayudarte|servirle)',
            'gracias por (llamar|su llamada|comunicarse|esperar|su paciencia|contactar|contactarnos)',
            '(hay|puedo ayudarle en) (algo|alguna cosa) más',
          ],
        },
        {
          what: 'verification',
          weight: 2,
          phrases: [
            '(me|) (puede|podría|puedes) (me|) (confirmar|dar|decir|indicar|facilitar|confirmarme|darme|decirme) (su|el|la|tu)',
            '(cuál es|me da|me dice) su (nombre|número|correo|dirección|teléfono|dni)',
            'número de (pedido|cliente|cuenta|referencia)',
            'fecha de nacimiento',
            'por seguridad',
          ],
        },
        {
          what: 'work on the case',
          weight: 2,
          phrases: [
            '(voy a|vamos a|déjeme|permítame) (verificar|revisar|consultar|transferir|transferirle|comprobar|enviar|enviarle|abrir|tramitar|procesar|escalar|programar|buscar)',
            '(un|deme un) (momento|momentito|segundo|instante)',
            '(no cuelgue|permanezca en línea|manténgase en línea)',
            '(veo|puedo ver|me aparece) (aquí|que)',
            'días (hábiles|laborables)',
            '(nuestro|nuestra) (sistema|equipo|política|técnico|almacén)',
            '(usted|) (va a recibir|recibirá)',
            'podemos (ofrecerle|enviarle|cambiarle|reembolsarle|enviar|cambiar)',
          ],
        },
        {
          what: 'apologies for the company',
          weight: 1.5,
          phrases: [
            '(le|) (pido|pedimos) disculpas',
            'lamento (mucho|el|la|lo)',
            'disculpe (las|la|el) (molestias|molestia|inconveniente)',
            'entiendo (su|perfectamente)',
          ],
        },
      ],
      [
        {
          what: 'a wish or a fault',
          weight: 2,
          phrases: [
            '(llamo|estoy llamando|le llamo) (porque|para|por)',
            '(compré|pedí|pagué|llamé|cancelé|recibí|devolví|contraté)',
            'me (cobraron|han cobrado|están cobrando|llegó|prometieron|dijeron)',
            '(quiero|necesito|quisiera|me gustaría) (cancelar|devolver|cambiar|un reembolso|mi dinero|hablar|saber|que me|una solución|reclamar)',
            '(mi|mis) (pedido|internet|cuenta|factura|tarjeta|paquete|contraseña|teléfono|línea|suscripción|conexión|televisor|lavadora) (no|está|todavía|sigue|llegó|dejó|se)',
            'no (funciona|me funciona|ha llegado|llega|enciende|carga|puedo entrar|puedo acceder|he recibido|conecta)',
            'dejó de funcionar',
            'mi (nombre|número|correo|teléfono|dirección) es',
          ],
        },
        {
          what: 'impatience',
          weight: 2,
          phrases: [
            'esto es (ridículo|inaceptable|una vergüenza|increíble)',
            'hablar con (un|una|el|su) (supervisor|supervisora|gerente|encargado)',
            '(llevo|sigo) (esperando|dos|tres|una|más|media)',
            'cuándo (va|me|llega|llegará|voy)',
            'por qué (me|mi|no)',
            'nadie (me|contesta|responde)',
            'ya (he llamado|llamé)',
          ],
        },
      ],
    ],
  },
};
