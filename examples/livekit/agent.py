"""A LiveKit agent whose finished calls go to Aftercall. The lines that it needs for that are marked."""

import aftercall  # 1
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

server = AgentServer()


async def hand_over(ctx: JobContext) -> None:  # 2
    conversation = aftercall.from_livekit(ctx.make_session_report())  # 3
    async with aftercall.AsyncClient() as client:  # 4
        await client.send(conversation)  # 5


@server.rtc_session(on_session_end=hand_over)  # … and here: who is told when a session is over
async def front_desk(ctx: JobContext) -> None:
    session = AgentSession(stt="deepgram/nova-3", llm="openai/gpt-4.1-mini", tts="cartesia/sonic-3")
    await session.start(Agent(instructions="You take table bookings. Be brief."), room=ctx.room)
    await session.generate_reply(instructions="Greet the caller.")


if __name__ == "__main__":
    cli.run_app(server)
