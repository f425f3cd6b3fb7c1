import type { RoleSetName } from '#contracts';
import type { RoleLanguage } from '../role-set.js';

/** A conversation in which the first line is said by somebody in the first role, and roles take turns. */
export interface Dialogue {
  readonly set: RoleSetName;
  readonly language: RoleLanguage;
  /** `1:` says that the second role speaks; a line without says that the first does. */
  readonly lines: readonly string[];
}

/** Conversations with which the cues were written. */
export const dialogues: readonly Dialogue[] = [
  {
    set: 'clinical',
    language: 'en',
    lines: [
      'Good morning. What brings you in today?',
      "1: Hello doctor. I've been having a bad headache for about a week.",
      'Does it hurt more in the morning or in the evening?',
      "1: In the morning. I can't sleep and I feel dizzy.",
      'Are you taking any medication? Let me check your blood pressure. It looks normal.',
      '1: I took some aspirin. Is it serious?',
      'No. Take one tablet twice a day, and come back if it does not get better.',
    ],
  },
  {
    set: 'clinical',
    language: 'pt',
    lines: [
      'Bom dia. O que o traz aqui hoje?',
      '1: Bom dia, doutora. Estou com uma dor de garganta há uns quatro dias.',
      'O senhor tem febre? Toma algum remédio?',
      '1: Não consigo comer direito e me sinto fraco. Tomei dipirona ontem.',
      'Abra a boca, por favor. Sua garganta está inflamada. Vou receitar um antibiótico.',
      '1: Preciso ficar em casa?',
      'Sim. Tome um comprimido de oito em oito horas e beba bastante água.',
    ],
  },
  {
    set: 'clinical',
    language: 'es',
    lines: [
      'Buenos días. ¿Qué le trae por aquí?',
      '1: Buenos días, doctor. Me duele la espalda desde hace tres semanas.',
      '¿Ha tenido fiebre? ¿Toma algún medicamento?',
      '1: No puedo dormir y estoy muy cansada. Tomé ibuprofeno, pero nada.',
      'Voy a examinarla. Respire hondo. Su presión está normal.',
      '1: ¿Es grave? ¿Puedo trabajar?',
      'No. Le voy a recetar una crema. Vuelva en dos semanas.',
    ],
  },
  {
    set: 'support',
    language: 'en',
    lines: [
      'Thank you for calling, my name is Ana. How can I help you?',
      "1: Hi, I'm calling about a laptop that I ordered. It never arrived.",
      'I am so sorry to hear that. Can I have your order number, please?',
      '1: It is four two seven. I was charged two weeks ago.',
      'One moment. I can see here that it was lost. I will send a new one.',
      '1: When will it come?',
      'You will receive it within three business days. Is there anything else?',
    ],
  },
  {
    set: 'support',
    language: 'pt',
    lines: [
      'Obrigada por ligar. Em que posso ajudar?',
      '1: Estou ligando porque minha internet não funciona desde ontem.',
      'Sinto muito. Pode me confirmar o seu CPF, por favor?',
      '1: Claro. Eu já liguei duas vezes e ninguém resolve.',
      'Um momento, vou verificar no nosso sistema.',
      '1: Quero falar com o gerente.',
      'O senhor vai receber a visita em dois dias úteis. Mais alguma coisa?',
    ],
  },
  {
    set: 'support',
    language: 'es',
    lines: [
      'Gracias por llamar. ¿En qué puedo ayudarle?',
      '1: Llamo porque me cobraron dos veces la factura.',
      'Lamento lo ocurrido. ¿Me puede dar su número de cliente?',
      '1: Sí. Llevo esperando una hora y nadie me contesta.',
      'Un momento, voy a revisar. Veo aquí que hubo un error.',
      '1: Quiero mi dinero.',
      'Se lo devolvemos en cinco días hábiles. ¿Hay algo más?',
    ],
  },
  {
    set: 'interview',
    language: 'en',
    lines: [
      'Welcome to the show. Thank you for joining us. Tell us about your childhood.',
      '1: Thanks for having me. I grew up on a farm, and my parents kept bees.',
      'What made you become a pilot?',
      '1: When I was ten I saw an air show. I decided there and then.',
      'Would you say it was hard? How did you pay for it?',
      '1: To be honest, yes. I worked at night.',
    ],
  },
  {
    set: 'interview',
    language: 'pt',
    lines: [
      'Bem-vinda ao programa. Conte um pouco sobre a sua infância.',
      '1: Obrigada pelo convite. Eu nasci no interior, e meu pai tinha uma padaria.',
      'O que levou você a escrever? Como foi o começo?',
      '1: Quando eu era menina eu lia muito. Comecei com poemas.',
      'Qual foi o momento mais difícil?',
      '1: Boa pergunta. Eu acho que foi a mudança.',
    ],
  },
  {
    set: 'interview',
    language: 'es',
    lines: [
      'Bienvenido al programa. Cuéntenos cómo empezó todo.',
      '1: Gracias por invitarme. Yo nací en un pueblo, y mi abuela me enseñó a pintar.',
      '¿Qué le llevó a mudarse? ¿Cuál fue su primer trabajo?',
      '1: Cuando era joven no había nada. Empecé de camarero.',
      'Una última pregunta: ¿qué consejo le daría a un joven?',
      '1: Yo creo que hay que tener paciencia.',
    ],
  },
];
